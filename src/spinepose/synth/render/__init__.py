"""From triangles to pixels, on a CPU."""
