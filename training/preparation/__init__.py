"""From the public originals, ICT-FaceKit and MakeHuman, to the folder that `training.assets` reads."""
