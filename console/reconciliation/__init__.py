"""Are both systems of one mind, document by document and to the cent: both read anew, each difference named."""
