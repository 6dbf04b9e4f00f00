"""The hierarchy of centred moments, cut in weight and range."""
