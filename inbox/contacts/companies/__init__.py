"""Companies: whom contacts work for, and the mail domains that say so."""
