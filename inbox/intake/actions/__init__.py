"""Writing the journal, projecting it, setting aside what cannot be projected."""
