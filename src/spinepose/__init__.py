"""Find people in photos and videos and track their whole body with nine points along the spine."""
