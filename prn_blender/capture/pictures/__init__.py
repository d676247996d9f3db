"""What is drawn of a head as it lies in a photo: overlay, depth, normalised coordinates."""
