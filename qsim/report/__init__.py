"""Tables, wording, Word and HTML."""
