"""Training of the models of ``jiqa.models``: one loop for all of them."""
