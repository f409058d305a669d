//! Announces the camera in its networks, by multicast DNS.
