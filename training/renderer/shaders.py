"""GLSL of the renderer. Camera space: x right, y up, the camera looks along -z; colours are linear inside."""

VERTEX = """#version 330
in vec3 in_position; in vec3 in_normal; in vec2 in_uv; in float in_material; in float in_occlusion; in float in_coverage;
uniform mat3 rotation; uniform vec3 origin; uniform vec3 translation;
uniform vec3 projection;          // focal length, principal point x, y in picture sides
uniform mat3 to_light; uniform float light_extent;
out vec3 normal; out vec2 uv; out vec3 position; out vec3 light_position; out float occlusion; out float coverage;
flat out int material;
void main() {
    position = rotation * (in_position - origin) + translation;
    normal = rotation * in_normal;
    uv = in_uv; occlusion = in_occlusion; coverage = in_coverage; material = int(in_material + 0.5);
    light_position = to_light * (position - translation) / light_extent;
    float depth = -position.z, near = 5.0, far = 1000.0;
    float x = projection.x * position.x / depth + projection.y;
    float y = -projection.x * position.y / depth + projection.z;
    float z = (far + near) / (far - near) - 2.0 * far * near / ((far - near) * depth);
    // y down in the picture is up in the texture, so that rows come out in picture order
    gl_Position = vec4((2.0 * x - 1.0) * depth, (2.0 * y - 1.0) * depth, z * depth, depth);
}"""

# One shader for each group of materials: software GL runs both sides of every branch.
BODIES = {
    "SKIN": """
    vec4 skin = material == 0 ? texture(face_texture, fract(uv)) : vec4(texture(head_texture, fract(uv)).rgb, 1.0);
    base = skin.rgb;
    shine = skin_shine; gloss = skin_gloss; soft = vec3(wrap + 0.12, wrap, wrap);
    bump = (texture(detail_texture, uv * 3.0).rgb - 0.5) * roughness - folds(skin.a);""",
    "INNER": """
    if (material == 2) base = vec3(0.30, 0.10, 0.09);
    else if (material == 3) base = vec3(0.5, 0.28, 0.25);
    else if (material == 4) base = vec3(0.40, 0.14, 0.13);
    else if (material == 5) { base = vec3(0.80, 0.76, 0.68); shine = 0.3; gloss = 60.0; }
    else if (material == 6) { base = 0.88 * texture(eye_texture, fract(uv)).rgb; shine = 0.6; gloss = 200.0; }
    else {
        if (fract(sin(dot(floor(uv * 400.0), vec2(12.9898, 78.233))) * 43758.5453) > lashes) discard;
        base = vec3(0.03);
    }""",
    "HAIR_CARD": """
    vec4 t = texture(hair_texture, uv); alpha = t.a; if (alpha < 0.35) discard;
    base = colour * (0.3 + 1.4 * t.r); shine = 0.15; gloss = 20.0;""",
    "HAIR_WRAP": """
    // straight, wavy or curled
    float along = pattern == 0 ? 0.12 : pattern == 1 ? 0.5 : 1.6;
    float strand = texture(detail_texture, vec2(uv.x * 2.0 + (pattern == 1 ? 0.1 * sin(uv.y * 9.0) : 0.0), uv.y * along)).r;
    float lock = texture(detail_texture, vec2(uv.x * 0.25, uv.y * along * 0.33)).r;
    if (coverage + (strand - 0.5) + (lock - 0.5) * 1.5 < 0.5) discard;
    base = colour * (0.5 + strand * (0.5 + lock)); shine = 0.12; gloss = 12.0;
    bump = vec3(strand - 0.5, 0.0, lock - 0.5) * 0.4;""",
    "CLOTH": """
    if (coverage < 0.5) discard;
    vec3 other = colour.brg * 0.8 + 0.1, weave = texture(detail_texture, uv * 0.6).rgb;
    if (pattern == 1) base = mix(colour, other, step(0.5, fract(uv.y * 1.7)));
    if (pattern == 2) base = mix(colour, other, 0.5 * (step(0.5, fract(uv.x)) + step(0.5, fract(uv.y * 2.0))));
    if (pattern == 3) base = mix(colour, other, step(0.55, texture(detail_texture, uv * 0.11).r));
    bump = (weave - 0.5) * 0.15; base *= 0.85 + 0.3 * weave.g;""",
    "PLAIN": """
    if (material == 11) { shine = 0.4; gloss = 50.0; }
    else if (material == 12) {
        shine = 0.8; gloss = 80.0; alpha = opacity;
        vec3 v = normalize(-position), m = normalize(normal);
        glint = 0.25 * surroundings(reflect(-v, m)) * pow(1.0 - abs(dot(m, v)), 2.0);
    } else { shine = skin_shine; gloss = skin_gloss; soft = vec3(wrap + 0.12, wrap, wrap); }""",
}

FRAGMENT = """#version 330
in vec3 normal; in vec2 uv; in vec3 position; in vec3 light_position; in float occlusion; in float coverage;
flat in int material;
uniform sampler2D face_texture; uniform sampler2D head_texture; uniform sampler2D eye_texture;
uniform sampler2D hair_texture; uniform sampler2D detail_texture; uniform sampler2D shadow_map;
uniform vec3 harmonics[9]; uniform vec3 light_direction; uniform vec3 light_colour; uniform bool has_shadow;
uniform float exposure; uniform float skin_shine; uniform float skin_gloss; uniform float wrap; uniform float roughness;
uniform vec3 colour; uniform float lashes; uniform float opacity; uniform int pattern; uniform float tone_curve;
uniform float fold_depth;
out vec4 result;

vec3 surroundings(vec3 n) {
    return max(harmonics[0] + harmonics[1] * n.y + harmonics[2] * n.z + harmonics[3] * n.x + harmonics[4] * n.x * n.y
        + harmonics[5] * n.y * n.z + harmonics[6] * (3.0 * n.z * n.z - 1.0) + harmonics[7] * n.x * n.z
        + harmonics[8] * (n.x * n.x - n.y * n.y), vec3(0.02) * harmonics[0]);
}
float lit() {
    if (!has_shadow) return 1.0;
    vec2 at = light_position.xy * 0.5 + 0.5; float depth = (1.0 - light_position.z) * 0.5 - 0.014, sum = 0.0;
    for (int i = 0; i < 4; i++) {
        vec2 shift = (vec2(i & 1, i >> 1) - 0.5) / 180.0;
        sum += depth < textureLod(shadow_map, at + shift, 0.0).r ? 0.25 : 0.0;
    }
    return sum;
}
// The slope of a height over the surface in camera space, from its change between pixels.
// Source: M. Mikkelsen, Bump mapping unparametrized surfaces on the GPU, 2010.
vec3 folds(float height) {
    vec3 along_x = dFdx(position), along_y = dFdy(position), n = normalize(normal);
    vec3 first = cross(along_y, n), second = cross(n, along_x);
    float area = dot(along_x, first);
    vec3 slope = (dFdx(height) * first + dFdy(height) * second) * sign(area) / max(abs(area), 1e-5);
    return clamp(slope * fold_depth, vec3(-0.8), vec3(0.8));
}
void main() {
    float alpha = 1.0, shine = 0.05, gloss = 10.0;
    vec3 base = colour, bump = vec3(0.0), soft = vec3(wrap), glint = vec3(0.0);
    // BODY
    vec3 view = normalize(-position);
    vec3 n = normalize(normal); if (dot(n, view) < 0.0) n = -n;
    n = normalize(n + bump);
    vec3 albedo = pow(base, vec3(2.2));
    float facing = dot(n, light_direction), shadow = lit();
    // `soft`: light bleeds into shadows, of skin above all red
    vec3 direct = light_colour * shadow * max((facing + soft) / (1.0 + soft), 0.0);
    vec3 c = albedo * (surroundings(n) * occlusion + direct * mix(1.0, occlusion, 0.5)) + glint;
    vec3 halfway = normalize(light_direction + view);
    c += shine * light_colour * shadow * pow(max(dot(n, halfway), 0.0), gloss) * step(0.0, facing);
    float rim = 1.0 - max(dot(n, view), 0.0); rim *= rim;
    c += 0.3 * shine * harmonics[0] * rim * rim * occlusion;
    c *= exposure;
    c = mix(c, c * (1.0 + c * 0.2) / (1.0 + c * 0.75) * 1.1, tone_curve);
    result = vec4(pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2)), alpha);
}"""

SHADOW_VERTEX = """#version 330
in vec3 in_position; in vec2 in_uv; in float in_coverage;
uniform mat3 rotation; uniform vec3 origin; uniform mat3 to_light; uniform float light_extent;
out float coverage;
void main() {
    vec3 p = to_light * (rotation * (in_position - origin)) / light_extent;
    coverage = in_coverage + 0.0 * in_uv.x;
    gl_Position = vec4(p.xy, -p.z, 1.0);
}"""

SHADOW_FRAGMENT = """#version 330
in float coverage;
void main() { if (coverage < 0.5) discard; }"""

BACKGROUND_VERTEX = """#version 330
in vec2 in_corner; out vec2 uv;
void main() { uv = in_corner * 0.5 + 0.5; gl_Position = vec4(in_corner, 0.99999, 1.0); }"""

BACKGROUND_FRAGMENT = """#version 330
in vec2 uv; uniform sampler2D picture; out vec4 result;
void main() { result = vec4(texture(picture, uv).rgb, 1.0); }"""
