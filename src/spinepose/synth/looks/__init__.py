"""What people wear: garments cut from the skin, shoes, hair, faces and fabrics."""
