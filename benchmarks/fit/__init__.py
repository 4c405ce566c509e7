"""`fastadam.curve_fit`: speed, errors of the parameters, and their truth."""
