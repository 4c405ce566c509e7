"""What users see: no test here imports a private name."""
