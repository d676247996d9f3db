"""Shape keys for a captured head, and faces that are made of them."""

# ruff: noqa: RUF012 - Blender asks for plain sets as bl_options

import bpy

from ...capture.errors import CaptureError
from ...capture.shape.combinations import COMBINATIONS, PRESETS, VISEMES
from ...capture.shape.expressions import NEUTRAL, PHOTO
from ..head.operators import HeadJob, HeadOperator, captured_head
from ..shell import session
from ..shell.job_operator import JobOperator
from .work import make_expressions

FACES = (
    (NEUTRAL, "Neutral", "Without expression"),
    (PHOTO, "As in the Photo", "With the photo's expression"),
    *((name, name.removeprefix("viseme_"), "A viseme of Oculus' lip sync") for name in VISEMES),
    *((name, name, "A preset of VRM") for name in PRESETS),
)
SETS = (
    ("VISEMES", "Visemes", "Oculus' 15, as engines look for them"),
    ("PRESETS", "VRM Presets", "VRM's, as avatars have them"),
)


class OfExpressions:
    """Comes first in the bases of what changes the expressions that a head has."""

    changes_head = True

    @classmethod
    def poll(cls, context):
        from ...scene.build.expressions import has_expressions

        if not super().poll(context):
            return False
        if not has_expressions(captured_head(context)):
            cls.poll_message_set("The head has no expressions: add them first")
            return False
        return True


class PRN_OT_add_expressions(HeadJob, JobOperator, bpy.types.Operator):
    """Give the head and its parts shape keys with the names of ARKit's 52 expressions, made for its shape.
    It goes on looking as it does"""

    bl_idname = "prn.add_expressions"
    bl_label = "Add Expressions"
    bl_options = {"UNDO"}
    changes_head = True

    @classmethod
    def poll(cls, context):
        if not super().poll(context):
            return False
        from ...scene.build.views import has_only_view_keys

        if not has_only_view_keys(captured_head(context)):
            cls.poll_message_set("The head has shape keys already")
            return False
        return True

    def prepare(self, context):
        head = captured_head(context)
        self._head = head.name
        return make_expressions(context, head)

    def finish(self, context, result):
        from ...scene.build.views import add_expressions_beside

        head = bpy.data.objects.get(self._head)
        if head is None:
            raise CaptureError(f"{self._head} is gone: nothing to add expressions to.")
        add_expressions_beside(head, result)
        if PHOTO not in result.skin.keys:
            self.report({"INFO"}, "The photo's expression is not known: capture again to get a neutral head")
        session.tag_redraw()
        yield from ()  # one step is enough


class PRN_OT_remove_expressions(OfExpressions, HeadOperator, bpy.types.Operator):
    """Take the expressions away from the head and its parts, which keep how they look. Shape keys of yours stay"""

    bl_idname = "prn.remove_expressions"
    bl_label = "Remove Expressions"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context):
        from ...scene.build.expressions import key_values, set_key_values
        from ...scene.build.views import remove_expressions_beside
        from ...scene.edit.showcase import has_test, remove_test

        head = captured_head(context)
        if has_test(head):
            shown = key_values(head)
            remove_test(head, context.scene)
            set_key_values(head, shown)
        remove_expressions_beside(head)
        return {"FINISHED"}


class PRN_OT_show_face(OfExpressions, HeadOperator, bpy.types.Operator):
    """Set the sliders to a face"""

    bl_idname = "prn.show_face"
    bl_label = "Show Face"
    bl_options = {"REGISTER", "UNDO"}

    face: bpy.props.EnumProperty(name="Face", description="What the head shows", items=FACES)

    def execute(self, context):
        from ...scene.build.expressions import show_face
        from ...scene.build.views import set_shown_view

        set_shown_view(captured_head(context), 0)
        show_face(captured_head(context), {PHOTO: 1.0} if self.face == PHOTO else COMBINATIONS.get(self.face, {}))
        return {"FINISHED"}


class PRN_OT_add_combinations(OfExpressions, HeadOperator, bpy.types.Operator):
    """Give the head shape keys of their own for these faces, beside the expressions that they are made of"""

    bl_idname = "prn.add_combinations"
    bl_label = "Add Faces as Shape Keys"
    bl_options = {"REGISTER", "UNDO"}

    which: bpy.props.EnumProperty(name="Faces", description="Which are added", items=SETS)

    def execute(self, context):
        from ...scene.build.expressions import add_combinations

        count = add_combinations(captured_head(context), VISEMES if self.which == "VISEMES" else PRESETS)
        self.report({"INFO"}, f"Added {count} shape keys")
        return {"FINISHED"}


class PRN_OT_copy_expression(OfExpressions, HeadJob, JobOperator, bpy.types.Operator):
    """Have the head make the face that the other head makes: its sliders, and what its photo shows, which becomes a key
    of its own"""

    bl_idname = "prn.copy_expression"
    bl_label = "Copy Expression"
    bl_options = {"UNDO"}

    source: bpy.props.StringProperty(
        name="Other Head",
        description="Name of the head whose expression is copied; without one, the head chosen in the panel",
        options={"SKIP_SAVE"},
    )

    def prepare(self, context):
        from ...scene.build.copied import face_of
        from ...scene.record import read_record

        head = captured_head(context)
        other = self._other(context, head)
        self._head, self._face = head.name, face_of(other)
        photo = self._face.photo
        if photo is None:
            return lambda progress: None
        if read_record(other)["pack"]["sha256"] != read_record(head)["pack"]["sha256"]:
            raise CaptureError(
                f"{head.name} and {other.name} were captured with different model packs, of which each has expressions "
                "of its own: capture one of them again with the pack of the other."
            )
        return make_expressions(context, head, photo)

    def _other(self, context: bpy.types.Context, head: bpy.types.Object) -> bpy.types.Object:
        from ...scene.record import is_captured_head

        chosen = context.scene.prn_expressions.source
        other = bpy.data.objects.get(self.source) if self.source else chosen
        if not is_captured_head(other) or other == head:
            raise CaptureError("Choose the other captured head, whose expression this one is to wear.")
        return other

    def finish(self, context, result):
        from ...scene.build.copied import wear
        from ...scene.build.expressions import has_expressions

        head = bpy.data.objects.get(self._head)
        if head is None or not has_expressions(head):
            raise CaptureError(f"{self._head} or its expressions are gone: nothing to copy to.")
        wear(head, self._face, result)
        session.tag_redraw()
        yield from ()  # one step is enough


class PRN_OT_show_all_expressions(OfExpressions, HeadOperator, bpy.types.Operator):
    """Animate the sliders so that the head shows each expression once, or take that animation away"""

    bl_idname = "prn.show_all_expressions"
    bl_label = "Test Animation"
    bl_options = {"UNDO"}

    def execute(self, context):
        from ...scene.edit.showcase import add_test, has_test, remove_test

        head = captured_head(context)
        try:
            (remove_test if has_test(head) else add_test)(head, context.scene)
        except CaptureError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}
