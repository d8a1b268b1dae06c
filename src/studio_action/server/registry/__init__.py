"""What is answered: mirrors of repositories, and the models in them."""
