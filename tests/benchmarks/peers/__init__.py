"""What others would use, set up as well as their documentation says."""
