"""What is owed to the people we write with: erasure, retention, and the legal hold that stops both."""
