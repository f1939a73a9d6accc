"""How commands are declared, and a server's rows of them."""
