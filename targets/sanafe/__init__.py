"""Architecture and network files for SANA-FE, which is run on its own: it is neither imported nor needed here."""
