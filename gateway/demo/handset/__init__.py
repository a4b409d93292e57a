"""What the page `/sim` is made of: the customer's phone, mail program and shop, driven over HTTP beside the console."""
