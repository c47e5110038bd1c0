"""Every layer of Keras that fits into a network of one input and one output."""

import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import keras
from case import Case
from keras import layers
from places import Make, each_activation, of_queries, of_two, on_images, on_inputs, sequential


@cache
def saved_model() -> Any:
    """Write a SavedModel into a temporary folder, which goes when Python does."""
    folder = tempfile.TemporaryDirectory()
    inner = keras.Sequential([keras.Input((6,)), layers.Dense(3, "tanh")])
    inner.export(folder.name, verbose=False)
    return folder


Table = dict[str, dict[str, Make]]
FEATURES: Table = {
    "Activation": {"": lambda: layers.Activation("softplus")},
    "ActivityRegularization": {"": lambda: layers.ActivityRegularization(0.01, 0.01)},
    "AlphaDropout": {"": lambda: layers.AlphaDropout(0.2)},
    "BatchNormalization": {
        "": lambda: layers.BatchNormalization(),
        "plain": lambda: layers.BatchNormalization(momentum=0.5, center=False, scale=False),
    },
    "Dense": {
        "": lambda: layers.Dense(3),
        "penalties": lambda: layers.Dense(
            3,
            kernel_regularizer=keras.regularizers.L1L2(0.01, 0.01),
            bias_regularizer="l2",
            kernel_constraint="max_norm",
        ),
        "orthogonal": lambda: layers.Dense(
            3, kernel_regularizer=keras.regularizers.OrthogonalRegularizer(), use_bias=False
        ),
        "activity_regularizer": lambda: layers.Dense(3, activity_regularizer="l2"),
        "lora_rank": lambda: layers.Dense(3, lora_rank=2),
        "float64": lambda: layers.Dense(3, dtype="float64"),
        "bfloat16": lambda: layers.Dense(3, dtype="mixed_bfloat16"),
    },
    "Dropout": {
        "": lambda: layers.Dropout(0.3),
        "noise_shape": lambda: layers.Dropout(0.3, noise_shape=(1, 6)),
        "seed": lambda: layers.Dropout(0.3, seed=5),
    },
    "ELU": {"": lambda: layers.ELU(0.5)},
    "EinsumDense": {"": lambda: layers.EinsumDense("ab,bc->ac", 3, bias_axes="c")},
    "Flatten": {"": lambda: layers.Flatten()},
    "GaussianDropout": {"": lambda: layers.GaussianDropout(0.2)},
    "GaussianNoise": {"": lambda: layers.GaussianNoise(0.2)},
    "GroupNormalization": {"": lambda: layers.GroupNormalization(2)},
    "Identity": {"": lambda: layers.Identity()},
    "Lambda": {"": lambda: layers.Lambda(lambda x: 2 * x)},
    "LayerNormalization": {
        "": lambda: layers.LayerNormalization(),
        "center=False": lambda: layers.LayerNormalization(center=False, epsilon=0.1),
    },
    "LeakyReLU": {"": lambda: layers.LeakyReLU(0.2)},
    "Masking": {"": lambda: layers.Masking()},
    "Normalization": {"": lambda: layers.Normalization(mean=0.1, variance=2.0)},
    "PReLU": {"": lambda: layers.PReLU("ones")},
    "Pipeline": {"": lambda: layers.Pipeline([layers.Dense(3), layers.ReLU()])},
    "RMSNormalization": {"": lambda: layers.RMSNormalization()},
    "ReLU": {"": lambda: layers.ReLU(0.5, 0.1, 0.1)},
    "RepeatVector": {"": lambda: layers.RepeatVector(2)},
    "Rescaling": {"": lambda: layers.Rescaling(0.5, 0.1)},
    "Reshape": {"": lambda: layers.Reshape((3, 2))},
    "Softmax": {"": lambda: layers.Softmax()},
    "SpectralNormalization": {"": lambda: layers.SpectralNormalization(layers.Dense(3))},
    "TFSMLayer": {"": lambda: layers.TFSMLayer(saved_model().name, call_endpoint="serve")},
    "UnitNormalization": {"": lambda: layers.UnitNormalization()},
}
SEQUENCES: Table = {
    "AdaptiveAveragePooling1D": {"": lambda: layers.AdaptiveAveragePooling1D(3)},
    "AdaptiveMaxPooling1D": {"": lambda: layers.AdaptiveMaxPooling1D(3)},
    "AveragePooling1D": {"": lambda: layers.AveragePooling1D(3, 2, "same")},
    "Bidirectional": {
        "LSTM": lambda: layers.Bidirectional(layers.LSTM(2)),
        "GRU, sum": lambda: layers.Bidirectional(layers.GRU(2), merge_mode="sum"),
    },
    "Conv1D": {
        "": lambda: layers.Conv1D(3, 3, 2, "same", activation="relu"),
        "causal": lambda: layers.Conv1D(3, 3, padding="causal"),
        "dilated": lambda: layers.Conv1D(3, 2, dilation_rate=2),
        "grouped": lambda: layers.Conv1D(3, 2, groups=3),
    },
    "Conv1DTranspose": {"": lambda: layers.Conv1DTranspose(2, 3, 2)},
    "Cropping1D": {"": lambda: layers.Cropping1D(1)},
    "DepthwiseConv1D": {"": lambda: layers.DepthwiseConv1D(3, depth_multiplier=2)},
    "GRU": {
        "": lambda: layers.GRU(3),
        "reset_after=False": lambda: layers.GRU(3, reset_after=False, return_sequences=True),
        "dropout": lambda: layers.GRU(3, dropout=0.2, recurrent_dropout=0.2),
    },
    "GRUCell": {"": lambda: layers.RNN(layers.GRUCell(3))},
    "GlobalAveragePooling1D": {"": lambda: layers.GlobalAveragePooling1D()},
    "GlobalMaxPooling1D": {"": lambda: layers.GlobalMaxPooling1D()},
    "LSTM": {
        "": lambda: layers.LSTM(3),
        "go_backwards": lambda: layers.LSTM(3, go_backwards=True, return_sequences=True),
        "dropout": lambda: layers.LSTM(3, dropout=0.2, recurrent_dropout=0.2),
        "unroll": lambda: layers.LSTM(3, unroll=True),
    },
    "LSTMCell": {"": lambda: layers.RNN(layers.LSTMCell(3))},
    "MaxPooling1D": {"": lambda: layers.MaxPooling1D(2)},
    "Permute": {"": lambda: layers.Permute((2, 1))},
    "RNN": {
        "": lambda: layers.RNN([layers.GRUCell(3), layers.SimpleRNNCell(2)], return_sequences=True)
    },
    "SeparableConv1D": {"": lambda: layers.SeparableConv1D(2, 3)},
    "SimpleRNN": {
        "": lambda: layers.SimpleRNN(3),
        "dropout": lambda: layers.SimpleRNN(3, dropout=0.2),
    },
    "SimpleRNNCell": {"": lambda: layers.RNN(layers.SimpleRNNCell(3))},
    "SpatialDropout1D": {"": lambda: layers.SpatialDropout1D(0.3)},
    "StackedRNNCells": {
        "": lambda: layers.RNN(layers.StackedRNNCells([layers.LSTMCell(2), layers.LSTMCell(2)]))
    },
    "TimeDistributed": {"": lambda: layers.TimeDistributed(layers.Dense(2, "tanh"))},
    "UpSampling1D": {"": lambda: layers.UpSampling1D(2)},
    "ZeroPadding1D": {"": lambda: layers.ZeroPadding1D(1)},
}
PLANES: Table = {
    "AdaptiveAveragePooling2D": {"": lambda: layers.AdaptiveAveragePooling2D(2)},
    "AdaptiveMaxPooling2D": {"": lambda: layers.AdaptiveMaxPooling2D(2)},
    "AveragePooling2D": {"": lambda: layers.AveragePooling2D(2)},
    "Conv2D": {
        "": lambda: layers.Conv2D(2, 3, 2, "same", activation="relu"),
        "valid": lambda: layers.Conv2D(2, (2, 1), use_bias=False, kernel_regularizer="l2"),
        "dilated": lambda: layers.Conv2D(2, 2, dilation_rate=2),
    },
    "Conv2DTranspose": {"": lambda: layers.Conv2DTranspose(2, 3)},
    "ConvLSTM1D": {"": lambda: layers.ConvLSTM1D(2, 2)},
    "Cropping2D": {"": lambda: layers.Cropping2D(1)},
    "DepthwiseConv2D": {"": lambda: layers.DepthwiseConv2D(2)},
    "GlobalAveragePooling2D": {"": lambda: layers.GlobalAveragePooling2D()},
    "GlobalMaxPooling2D": {"": lambda: layers.GlobalMaxPooling2D()},
    "MaxPooling2D": {"": lambda: layers.MaxPooling2D(2)},
    "SeparableConv2D": {"": lambda: layers.SeparableConv2D(2, 2)},
    "SpatialDropout2D": {"": lambda: layers.SpatialDropout2D(0.3)},
    "UpSampling2D": {"": lambda: layers.UpSampling2D(2, interpolation="bilinear")},
    "ZeroPadding2D": {"": lambda: layers.ZeroPadding2D(1)},
}
VOLUMES: Table = {
    "AdaptiveAveragePooling3D": {"": lambda: layers.AdaptiveAveragePooling3D(2)},
    "AdaptiveMaxPooling3D": {"": lambda: layers.AdaptiveMaxPooling3D(2)},
    "AveragePooling3D": {"": lambda: layers.AveragePooling3D(2)},
    "Conv3D": {"": lambda: layers.Conv3D(2, 2)},
    "Conv3DTranspose": {"": lambda: layers.Conv3DTranspose(2, 2)},
    "ConvLSTM2D": {"": lambda: layers.ConvLSTM2D(2, 2)},
    "Cropping3D": {"": lambda: layers.Cropping3D(1)},
    "GlobalAveragePooling3D": {"": lambda: layers.GlobalAveragePooling3D()},
    "GlobalMaxPooling3D": {"": lambda: layers.GlobalMaxPooling3D()},
    "MaxPooling3D": {"": lambda: layers.MaxPooling3D(2)},
    "SpatialDropout3D": {"": lambda: layers.SpatialDropout3D(0.3)},
    "UpSampling3D": {"": lambda: layers.UpSampling3D(2)},
    "ZeroPadding3D": {"": lambda: layers.ZeroPadding3D(1)},
}
FILMS: Table = {"ConvLSTM3D": {"": lambda: layers.ConvLSTM3D(2, 2)}}
PAIRS: Table = {
    "Add": {"": lambda: layers.Add()},
    "Average": {"": lambda: layers.Average()},
    "Concatenate": {"": lambda: layers.Concatenate()},
    "Dot": {"": lambda: layers.Dot(1)},
    "Maximum": {"": lambda: layers.Maximum()},
    "Minimum": {"": lambda: layers.Minimum()},
    "Multiply": {"": lambda: layers.Multiply()},
    "Subtract": {"": lambda: layers.Subtract()},
}
PAIRS_IN_TIME: Table = {
    "AdditiveAttention": {"": lambda: layers.AdditiveAttention(dropout=0.2)},
    "Attention": {"": lambda: layers.Attention(use_scale=True, dropout=0.2)},
}
QUERIES: Table = {
    "GroupQueryAttention": {"": lambda: layers.GroupQueryAttention(2, 4, 2, dropout=0.2)},
    "MultiHeadAttention": {"": lambda: layers.MultiHeadAttention(2, 3, dropout=0.2)},
}
TOKENS: Table = {
    "CategoryEncoding": {"": lambda: layers.CategoryEncoding(9)},
    "Discretization": {"": lambda: layers.Discretization([2.0, 5.0], output_mode="multi_hot")},
    "Embedding": {
        "": lambda: layers.Embedding(9, 3),
        "mask_zero": lambda: keras.Sequential(
            [layers.Embedding(9, 3, mask_zero=True), layers.LSTM(2)]
        ),
    },
    "InputLayer": {"": lambda: keras.Sequential([layers.InputLayer(shape=(4,)), layers.Dense(3)])},
    "ReversibleEmbedding": {"": lambda: layers.ReversibleEmbedding(9, 3)},
}
SOUND: Table = {
    "MelSpectrogram": {
        "": lambda: layers.MelSpectrogram(16, 8, num_mel_bins=4, sampling_rate=1000, max_freq=400)
    },
    "STFTSpectrogram": {
        "": lambda: keras.Sequential(
            [layers.Reshape((64, 1)), layers.STFTSpectrogram("magnitude", 16, 8)]
        )
    },
}
IMAGES: Table = {
    "AugMix": {"": lambda: layers.AugMix()},
    "AutoContrast": {"": lambda: layers.AutoContrast()},
    "CenterCrop": {"": lambda: layers.CenterCrop(6, 6)},
    "ContrastLimitedAdaptiveHistogramEqualization": {
        "": lambda: layers.ContrastLimitedAdaptiveHistogramEqualization(tile_grid_size=(2, 2))
    },
    "CutMix": {"": lambda: layers.CutMix()},
    "Equalization": {"": lambda: layers.Equalization()},
    "MixUp": {"": lambda: layers.MixUp()},
    "RandAugment": {"": lambda: layers.RandAugment()},
    "RandomBrightness": {"": lambda: layers.RandomBrightness(0.3)},
    "RandomColorDegeneration": {"": lambda: layers.RandomColorDegeneration(0.5)},
    "RandomColorJitter": {"": lambda: layers.RandomColorJitter((0, 255), 0.3, 0.3, 0.3, 0.3)},
    "RandomContrast": {"": lambda: layers.RandomContrast(0.3)},
    "RandomCrop": {"": lambda: keras.Sequential([layers.RandomCrop(6, 6), layers.Resizing(4, 4)])},
    "RandomElasticTransform": {"": lambda: layers.RandomElasticTransform()},
    "RandomErasing": {"": lambda: layers.RandomErasing()},
    "RandomFlip": {"": lambda: layers.RandomFlip()},
    "RandomGaussianBlur": {"": lambda: layers.RandomGaussianBlur()},
    "RandomGrayscale": {"": lambda: layers.RandomGrayscale()},
    "RandomHue": {"": lambda: layers.RandomHue(0.3)},
    "RandomInvert": {"": lambda: layers.RandomInvert(0.5)},
    "RandomPerspective": {"": lambda: layers.RandomPerspective()},
    "RandomPosterization": {"": lambda: layers.RandomPosterization(4)},
    "RandomRotation": {"": lambda: layers.RandomRotation(0.2)},
    "RandomSaturation": {"": lambda: layers.RandomSaturation(0.3)},
    "RandomSharpness": {"": lambda: layers.RandomSharpness(0.3)},
    "RandomShear": {"": lambda: layers.RandomShear(0.2, 0.2)},
    "RandomTranslation": {"": lambda: layers.RandomTranslation(0.2, 0.2)},
    "RandomZoom": {"": lambda: layers.RandomZoom(0.2)},
    "Resizing": {"": lambda: layers.Resizing(4, 4)},
    "Solarization": {"": lambda: layers.Solarization(0.3, 0.3)},
}
WHOLE_NUMBERS: Table = {
    "Hashing": {"": lambda: layers.Hashing(5)},
    "IntegerLookup": {"": lambda: layers.IntegerLookup(vocabulary=[1, 2, 3])},
}

WAYS: list[tuple[Table, Callable[[Make], Any], str]] = [
    (FEATURES, partial(sequential, (6,)), "table"),
    (SEQUENCES, partial(sequential, (6, 3)), "table"),
    (PLANES, partial(sequential, (4, 4, 3)), "table"),
    (VOLUMES, partial(sequential, (4, 4, 4, 2)), "table"),
    (FILMS, partial(sequential, (2, 3, 3, 3, 2)), "table"),
    (PAIRS, partial(of_two, (6,)), "table"),
    (PAIRS_IN_TIME, partial(of_two, (4, 3)), "table"),
    (QUERIES, of_queries, "table"),
    (TOKENS, partial(on_inputs, (4,)), "tokens"),
    (WHOLE_NUMBERS, partial(on_inputs, (4,)), "tokens"),
    (SOUND, partial(on_inputs, (64,)), "sound"),
    (IMAGES, on_images, "images"),
]
NOT_APPLICABLE = {
    "FlaxLayer": "needs flax, and Keras set to jax",
    "HashedCrossing": "takes two inputs",
    "InputSpec": "no layer: what layers say of their inputs",
    "JaxLayer": "needs jax, and Keras set to jax",
    "Layer": "the base of all others",
    "MaxNumBoundingBoxes": "takes bounding boxes",
    "StringLookup": "takes strings, where ninefold gives float32",
    "TextVectorization": "takes strings, where ninefold gives float32",
    "TorchModuleWrapper": "needs torch, and Keras set to torch",
    "Wrapper": "the base of TimeDistributed, Bidirectional and SpectralNormalization",
}
COVERED = {name for table, _, _ in WAYS for name in table}


def cases() -> Iterator[Case]:
    for table, place, features in WAYS:
        for name, ways in table.items():
            for how, make in ways.items():
                called = ", ".join(filter(None, (name, how)))
                yield Case("layer", called, partial(place, make), features)
    yield Case("layer", "Dense, each activation", each_activation)
