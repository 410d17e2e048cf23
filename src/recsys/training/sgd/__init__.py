"""Per-rating stochastic gradient descent on the memory of the module's own parameters: the fast method."""
