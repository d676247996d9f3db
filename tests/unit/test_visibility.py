"""Visibility on shapes whose shadows are known."""

import numpy as np

from prn_blender.capture.geometry.visibility import vertex_visibility


def ball(radius: float, centre: tuple[float, float, float], rings: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3), z towards the viewer and y up, and triangles, counter-clockwise from outside."""
    latitude, longitude = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings), indexing="ij")
    unit = np.stack(
        [np.sin(latitude) * np.cos(longitude), np.cos(latitude), -np.sin(latitude) * np.sin(longitude)], axis=-1
    )
    return radius * unit.reshape(-1, 3) + centre, grid_triangles(rings, 2 * rings)


def grid_triangles(rows: int, columns: int) -> np.ndarray:
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]
    return np.concatenate([np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (a, c, d))])


def wall(size: float, z: float, cells: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """A square that faces the viewer."""
    x, y = np.meshgrid(np.linspace(-size, size, cells), np.linspace(size, -size, cells))
    return np.stack([x, y, np.full_like(x, z)], axis=-1).reshape(-1, 3), grid_triangles(cells, cells)


def in_photo(vertices: np.ndarray) -> np.ndarray:
    """y down, the middle at (500, 500)."""
    return vertices * (1, -1, 1) + (500, 500, 0)


def test_a_ball_hides_its_back_and_the_wall_behind_it():
    ball_vertices, ball_triangles = ball(150, (40, 20, 300))
    wall_vertices, wall_triangles = wall(300, 0)
    vertices = np.concatenate([ball_vertices, wall_vertices])
    triangles = np.concatenate([ball_triangles, wall_triangles + len(ball_vertices)])
    seen = vertex_visibility(in_photo(vertices), triangles, 1000, 1000)
    on_ball, on_wall = seen[: len(ball_vertices)], seen[len(ball_vertices) :]

    height = ball_vertices[:, 2] - 300
    assert (on_ball[height > 25] > 0.9).all()
    assert (on_ball[height < -2] == 0).all()
    distance = np.hypot(wall_vertices[:, 0] - 40, wall_vertices[:, 1] - 20)
    assert (on_wall[distance < 145] == 0).all()
    assert (on_wall[distance > 155] == 1).all()


def test_a_wall_close_behind_a_ball_is_told_apart():
    ball_vertices, ball_triangles = ball(100, (0, 0, 0))
    wall_vertices, wall_triangles = wall(300, 60)  # cuts the ball: a cap of it looks out
    vertices = np.concatenate([ball_vertices, wall_vertices])
    triangles = np.concatenate([ball_triangles, wall_triangles + len(ball_vertices)])
    seen = vertex_visibility(in_photo(vertices), triangles, 1000, 1000)
    height = ball_vertices[:, 2]
    assert (seen[: len(height)][height > 66] == 1).all()
    assert (seen[: len(height)][height < 50] == 0).all()


def test_a_slanted_plane_does_not_hide_itself():
    vertices, triangles = wall(300, 0)
    vertices[:, 2] = 2.5 * vertices[:, 0]  # 68 degrees away from the viewer
    assert (vertex_visibility(in_photo(vertices), triangles, 1000, 1000) == 1).all()


def test_what_lies_beyond_the_photo_is_not_seen():
    vertices, triangles = wall(300, 0)
    seen = vertex_visibility(in_photo(vertices), triangles, 600, 1000)
    assert (seen[vertices[:, 0] > 101] == 0).all()
    assert (seen[vertices[:, 0] < 99] == 1).all()
