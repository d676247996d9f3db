"""Operators on a captured head: alignment and view."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ..shell import session
from .alignments import ALIGNMENTS


def captured_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The head that the artist means: the active object's capture, else that of the view's camera."""
    return head_of_part(context.view_layer.objects.active) or head_of_part(camera_of_view(context))


def camera_of_view(context: bpy.types.Context) -> bpy.types.Object | None:
    """The camera through which the 3D View looks, or would."""
    space = context.space_data
    if space is not None and space.type == "VIEW_3D" and space.use_local_camera and space.camera is not None:
        return space.camera
    return context.scene.camera


def head_of_part(part: bpy.types.Object | None) -> bpy.types.Object | None:
    """The captured head that an object is, hangs on or places as an instance, or whose camera it is."""
    from ...scene.build.camera import heads_of_camera
    from ...scene.record import is_captured_head

    ancestor = part
    while ancestor is not None:
        if is_captured_head(ancestor):
            return ancestor
        ancestor = ancestor.parent
    if part is not None and part.instance_collection is not None:
        return next(filter(is_captured_head, part.instance_collection.all_objects), None)
    return next(iter(heads_of_camera(part)), None)


def is_other_head(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    """For the poll of a pointer: whether an object is a captured head, but not the one that the artist means."""
    from ...scene.record import is_captured_head

    return is_captured_head(candidate) and candidate != captured_head(bpy.context)


def head_for(operator: type[bpy.types.Operator], context: bpy.types.Context) -> bpy.types.Object | None:
    """For an operator's poll: the captured head; without one the operator says why it is disabled."""
    head = captured_head(context)
    if head is None:
        operator.poll_message_set("Select a captured head")
    return head


def _may_change(operator: type[bpy.types.Operator], head: bpy.types.Object) -> bool:
    """For an operator's poll, whether it can do to a head what it does; where not, it says why it is disabled."""
    if operator.changes_head and head.library:
        operator.poll_message_set("The head is linked from another file: make it local")
        return False
    return True


class HeadOperator:
    """Base of the operators on a captured head."""

    changes_head = False
    needs_head_in_scene = True  # not only as an instance of its collection

    @classmethod
    def poll(cls, context):
        if not session.is_free_for(cls):
            return False
        head = head_for(cls, context)
        if head is None:
            return False
        if cls.needs_head_in_scene and context.view_layer.objects.get(head.name) != head:
            cls.poll_message_set(
                "The head's collection is placed as an instance: make it real with Object, Apply, Make Instances Real"
                if head.library is None
                else "The head is linked and placed as an instance: use Object, Library Override, Make first"
            )
            return False
        if not _may_change(cls, head):
            return False
        # In the other modes an undo step holds only what the mode edits: undone, it would bring back something else.
        return not cls.changes_head or session.is_in_object_mode_for(cls, context)


class HeadJob:
    """Comes before `JobOperator` in the bases of a job on a captured head."""

    changes_head = False

    @classmethod
    def poll(cls, context):
        head = head_for(cls, context) if super().poll(context) else None
        return head is not None and _may_change(cls, head)


class PRN_OT_align(HeadOperator, bpy.types.Operator):
    """Turn the captured head and its camera"""

    bl_idname = "prn.align"
    bl_label = "Align Head"
    bl_options = {"REGISTER", "UNDO"}
    changes_head = True

    alignment: bpy.props.EnumProperty(
        name="Alignment", description="How head and camera stand in the scene", items=ALIGNMENTS
    )

    @classmethod
    def description(cls, context, properties):
        return next(text for identifier, _, text in ALIGNMENTS if identifier == properties.alignment)

    def execute(self, context):
        from ...scene.edit.align import set_alignment

        set_alignment(captured_head(context), self.alignment)
        return {"FINISHED"}


class HeadViewOperator(HeadOperator):
    """Base of the operators that show a captured head in a 3D View."""

    @classmethod
    def poll(cls, context):
        if context.space_data is None or context.space_data.type != "VIEW_3D":
            cls.poll_message_set("The head is shown in a 3D View")
            return False
        return super().poll(context)


def is_photo_viewed(context: bpy.types.Context) -> bool:
    """Whether the 3D View looks through a camera of the captured head."""
    from ...scene.record import belong_together

    camera = camera_of_view(context)
    in_camera = context.space_data.region_3d.view_perspective == "CAMERA"
    return in_camera and camera is not None and belong_together(camera, captured_head(context))


def look_through(context: bpy.types.Context, head: bpy.types.Object, camera: bpy.types.Object) -> None:
    """Has the 3D View look through one of a head's cameras; the scene's camera stays what it is."""
    from ...scene.build.camera import fit_photo_of

    space = context.space_data
    fit_photo_of(head, context.scene, camera)
    space.use_local_camera = context.scene.camera != camera
    if space.use_local_camera:
        space.camera = camera
    if space.region_3d.view_perspective != "CAMERA":
        bpy.ops.view3d.view_camera()


class PRN_OT_view_photo(HeadViewOperator, bpy.types.Operator):
    """Look through the photo's camera, with the head over the photo, or look from where you were before.
    The scene's camera stays what it is"""

    bl_idname = "prn.view_photo"
    bl_label = "View Head over Photo"

    def execute(self, context):
        from ...scene.build.camera import capture_camera
        from ...scene.build.views import shown_view

        head, space = captured_head(context), context.space_data
        if is_photo_viewed(context):
            bpy.ops.view3d.view_camera()
            space.use_local_camera = False
            return {"FINISHED"}
        camera = capture_camera(head, shown_view(head))
        if camera is None:
            self.report({"ERROR"}, f"The camera of {head.name} was deleted: capture the photo again.")
            return {"CANCELLED"}
        look_through(context, head, camera)
        return {"FINISHED"}


class PRN_OT_set_scene_camera(HeadOperator, bpy.types.Operator):
    """Make the photo's camera the scene's, and the photo's size the render size: pictures then show what it shows"""

    bl_idname = "prn.set_scene_camera"
    bl_label = "Set Scene Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        if context.scene.library:
            cls.poll_message_set("The scene is linked from another file")
            return False
        return True

    def execute(self, context):
        from ...scene.build.camera import capture_camera, set_scene_camera
        from ...scene.build.views import shown_view
        from ...scene.record import views_of_head

        head = captured_head(context)
        camera = capture_camera(head, shown_view(head))
        if camera is None:
            self.report({"ERROR"}, f"The camera of {head.name} was deleted: capture the photo again.")
            return {"CANCELLED"}
        photo = views_of_head(head)[shown_view(head)]["photo"]
        set_scene_camera(context.scene, camera, photo["width"], photo["height"])
        return {"FINISHED"}


class PRN_OT_show_alone(HeadViewOperator, bpy.types.Operator):
    """Show nothing but the captured head with its landmarks and its photo in this view, or everything again"""

    bl_idname = "prn.show_alone"
    bl_label = "Show Head Alone"
    bl_options = {"UNDO"}

    def execute(self, context):
        from .view import frame_with_surroundings, show_alone

        head = captured_head(context)
        if context.space_data.local_view:
            bpy.ops.view3d.localview(frame_selected=False)
            frame_with_surroundings(context, head)
            return {"FINISHED"}
        if not head.visible_get():
            self.report({"ERROR"}, f"{head.name} is hidden: show it in the Outliner first.")
            return {"CANCELLED"}
        head.select_set(True)
        show_alone(context, context.space_data, [head])
        if context.space_data.region_3d.view_perspective != "CAMERA":
            bpy.ops.view3d.view_selected()
        return {"FINISHED"}


class PRN_OT_shade(HeadViewOperator, bpy.types.Operator):
    """Show the shape or the texture in the view's solid shading"""

    bl_idname = "prn.shade"
    bl_label = "Shade Head"
    bl_options = {"INTERNAL"}
    needs_head_in_scene = False

    textured: bpy.props.BoolProperty(
        name="Textured", description="The texture in its own colours; otherwise the shape alone", options={"SKIP_SAVE"}
    )

    @classmethod
    def description(cls, context, properties):
        if properties.textured:
            return "The texture in its own colours; it already contains the light of the photo"
        return "The shape alone, lit"

    def execute(self, context):
        from .view import show_plain, show_textured

        (show_textured if self.textured else show_plain)(context.space_data)
        return {"FINISHED"}
