"""What the seed model is measured on, and how: exam items, and their repair through the product's own path."""
