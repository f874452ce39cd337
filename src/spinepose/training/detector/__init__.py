"""Training of the person detector: teachers' labels, network, training, export, measure."""
