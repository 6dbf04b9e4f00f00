"""Energy networks: log P is a sum over sites of what a network reads around each of them."""
