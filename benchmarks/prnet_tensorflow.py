"""The other side of `prnet_parity.py`: PRNet's network in TensorFlow, run with a Python that has it.

python prnet_tensorflow.py FOLDER     expects crops.npy (N, 256, 256, 3) float32 there; writes a checkpoint of random
                                      weights beside it, with the optimizer's variables too, and outputs.npy

The layers are written out after the paper and the public description once more, on purpose: nothing here is imported
from what it is compared with.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_eager_execution()
# Channels and stride of each layer between the first and the last one; at stride 2 the side is halved, or doubled.
BLOCKS = [(outputs, stride) for outputs in (32, 64, 128, 256, 512) for stride in (2, 1)]  # 256 to 8 pixels
TRANSPOSED = [
    (512, 1),
    *((256, 2), (256, 1), (256, 1)),  # 16
    *((128, 2), (128, 1), (128, 1)),  # 32
    *((64, 2), (64, 1), (64, 1)),  # 64
    *((32, 2), (32, 1)),  # 128
    *((16, 2), (16, 1)),  # 256
    *((3, 1), (3, 1)),
]
rng = np.random.default_rng(7)
updates = []  # of the moving averages, from a pass in training


def variable(name, shape, values):
    return tf.get_variable(name, initializer=tf.constant(np.broadcast_to(values, shape).astype(np.float32)))


def normalised(x, training):
    """Batch normalisation, epsilon 0.001 as in tf.contrib.layers; after training with the moving averages."""
    channels = x.shape[-1]
    with tf.variable_scope("BatchNorm"):
        # Most of what comes passes the ReLU, as in a trained network: with beta around 0 random layers tell less and
        # less of the crop and enlarge rounding errors, a hundredfold until the end.
        beta = variable("beta", [channels], rng.normal(0.6, 0.3, channels))
        gamma = variable("gamma", [channels], rng.uniform(0.5, 1, channels))
        mean = variable("moving_mean", [channels], 0)
        variance = variable("moving_variance", [channels], 1)
    if training:
        batch_mean, batch_variance = tf.nn.moments(x, [0, 1, 2])
        updates.extend([tf.assign(mean, batch_mean), tf.assign(variance, batch_variance)])
        mean, variance = batch_mean, batch_variance
    return tf.nn.batch_normalization(x, mean, variance, beta, gamma, 0.001)


def convolution(x, scope, outputs, kernel, stride, training, normalise=True):
    inputs = int(x.shape[-1])
    with tf.variable_scope(scope):
        shape = [kernel, kernel, inputs, outputs]
        weights = variable("weights", shape, rng.normal(0, (2 / (kernel * kernel * inputs)) ** 0.5, shape))
        x = tf.nn.conv2d(x, weights, strides=[1, stride, stride, 1], padding="SAME")
        return tf.nn.relu(normalised(x, training)) if normalise else x


def transposed(x, scope, outputs, stride, training, activation=tf.nn.relu):
    batch, height, width = tf.shape(x)[0], int(x.shape[1]) * stride, int(x.shape[2]) * stride
    inputs = int(x.shape[-1])
    with tf.variable_scope(scope):
        shape = [4, 4, outputs, inputs]
        weights = variable("weights", shape, rng.normal(0, (2 * stride**2 / (16 * inputs)) ** 0.5, shape))
        x = tf.nn.conv2d_transpose(x, weights, [batch, height, width, outputs], [1, stride, stride, 1], "SAME")
        x.set_shape([None, height, width, outputs])
        return activation(normalised(x, training))


def block(x, scope, outputs, stride, training):
    with tf.variable_scope(scope):
        shortcut = x
        if stride != 1 or int(x.shape[-1]) != outputs:
            shortcut = convolution(x, "shortcut", outputs, 1, stride, training, normalise=False)
        x = convolution(x, "Conv", outputs // 2, 1, 1, training)
        x = convolution(x, "Conv_1", outputs // 2, 4, stride, training)
        x = convolution(x, "Conv_2", outputs, 1, 1, training, normalise=False)
        return tf.nn.relu(normalised(x + shortcut, training))


def numbered(name, number):
    return f"{name}_{number}" if number else name


def network(x, training):
    with tf.variable_scope("resfcn256", reuse=tf.AUTO_REUSE):
        x = convolution(x, "Conv", 16, 4, 1, training)  # 256
        for number, (outputs, stride) in enumerate(BLOCKS):
            x = block(x, numbered("resBlock", number), outputs, stride, training)
        for number, (outputs, stride) in enumerate(TRANSPOSED):
            x = transposed(x, numbered("Conv2d_transpose", number), outputs, stride, training)
        return transposed(x, "Conv2d_transpose_16", 3, 1, training, tf.nn.sigmoid)


def main(folder: Path) -> None:
    image = tf.placeholder(tf.float32, [None, 256, 256, 3])
    trained, output = network(image, training=True), network(image, training=False)
    learned = [each for each in tf.global_variables() if "moving_" not in each.name]
    # Not to train it: a checkpoint of training holds the optimizer's variables, too.
    tf.train.AdamOptimizer(1e-4).minimize(tf.reduce_mean(tf.square(trained)), var_list=learned)
    crops = np.load(folder / "crops.npy")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(updates, {image: crops})
        # The authors' checkpoint has no list of checkpoints beside it, and no graph.
        saver = tf.train.Saver(write_version=tf.train.SaverDef.V2)
        prefix = str(folder / "256_256_resfcn256_weight")
        saver.save(session, prefix, write_meta_graph=False, write_state=False)
        np.save(folder / "outputs.npy", session.run(output, {image: crops}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
