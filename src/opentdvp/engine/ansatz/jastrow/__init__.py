"""Many-body Jastrow ansatz: log P is a sum of products of few letters, tied by all symmetries."""
