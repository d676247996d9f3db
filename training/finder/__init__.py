"""The face finder: a small network that finds every face of a picture, trained on composed scenes of rendered heads."""
