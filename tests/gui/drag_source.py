"""A small window from which a file is dragged with the mouse, like a file manager's (the X drag-and-drop protocol).

    python3 drag_source.py FILE

Runs beside Blender, where only the standard library and python3-xlib are. It shows itself in the screen's top-left
corner, prints "ready", and ends with "dropped" when the target has taken the file.
"""

import sys
from pathlib import Path

from Xlib import X, Xatom, display
from Xlib.protocol import event

SIZE = 40
VERSION = 5  # of the protocol

connection = display.Display()
screen = connection.screen()


def atom(name: str) -> int:
    return connection.intern_atom(name)


URI_LIST, COPY, AWARE = atom("text/uri-list"), atom("XdndActionCopy"), atom("XdndAware")
window = screen.root.create_window(
    *(0, 0, SIZE, SIZE, 0, screen.root_depth),
    background_pixel=screen.white_pixel,
    override_redirect=True,
    event_mask=X.ButtonPressMask | X.ButtonReleaseMask | X.Button1MotionMask,
)


def send(target, kind: str, *values: int) -> None:
    data = (32, [window.id, *values, *[0] * (4 - len(values))])
    target.send_event(event.ClientMessage(window=target, client_type=atom(kind), data=data))
    connection.flush()


def target_under_mouse():
    """The window there that takes drops."""
    candidate = screen.root
    while candidate != X.NONE and candidate.get_full_property(AWARE, X.AnyPropertyType) is None:
        candidate = candidate.query_pointer().child
    return None if candidate == X.NONE else candidate


def hand_over(request, uri: str) -> None:
    """Answers the target, which asks for the dragged file."""
    known = request.target == URI_LIST
    if known:
        request.requestor.change_property(request.property, URI_LIST, 8, (uri + "\r\n").encode())
    answer = event.SelectionNotify(
        time=request.time,
        requestor=request.requestor,
        selection=request.selection,
        target=request.target,
        property=request.property if known else X.NONE,
    )
    request.requestor.send_event(answer)
    connection.flush()


def drag(uri: str) -> None:
    """Serves one drag from the press of the button to the drop."""
    target = None
    while True:
        happened = connection.next_event()
        if happened.type == X.ButtonPress:
            window.set_selection_owner(atom("XdndSelection"), happened.time)
        elif happened.type == X.MotionNotify:
            under = target_under_mouse()
            if under != target:
                if target is not None:
                    send(target, "XdndLeave")
                if under is not None:
                    send(under, "XdndEnter", VERSION << 24, URI_LIST)
                target = under
            if target is not None:
                place = happened.root_x << 16 | happened.root_y
                send(target, "XdndPosition", 0, place, happened.time, COPY)
        elif happened.type == X.ButtonRelease:
            if target is None:
                sys.exit("dropped where nothing takes a file")
            send(target, "XdndDrop", 0, happened.time)
        elif happened.type == X.SelectionRequest:
            hand_over(happened, uri)
        elif happened.type == X.ClientMessage and happened.client_type == atom("XdndFinished"):
            return


window.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"Files")
window.map()
window.configure(stack_mode=X.Above)
connection.sync()
print("ready", flush=True)
drag(Path(sys.argv[1]).as_uri())
print("dropped", flush=True)
