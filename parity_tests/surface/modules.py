"""The public functions, classes and modules of Keras that refkeras does not have, and why."""

from __future__ import annotations

from typing import Any

import refkeras
from parity_tests.engines import ENGINES
from parity_tests.surface.groups import Group
from refkeras import semantics

__all__ = ["GROUPS", "MODULES", "missing"]

#: The modules that are compared, by their paths in Keras; those that a Keras lacks are left out for it.
MODULES = (
    *("keras", "activations", "backend", "callbacks", "config", "constraints", "datasets", "initializers", "layers"),
    *("losses", "metrics", "models", "optimizers", "optimizers.schedules", "preprocessing", "preprocessing.sequence"),
    *("random", "regularizers", "saving", "utils", "wrappers"),
)

GROUPS = [
    Group(
        "Layers for images",
        "AugMix AutoContrast CenterCrop ContrastLimitedAdaptiveHistogramEqualization Cropping1D Cropping2D "
        "Cropping3D CutMix Equalization MaxNumBoundingBoxes MixUp Pipeline RandAugment RandomBrightness "
        "RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop RandomElasticTransform RandomErasing "
        "RandomFlip RandomGaussianBlur RandomGrayscale RandomHeight RandomHue RandomInvert RandomPerspective "
        "RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation "
        "RandomWidth RandomZoom Rescaling Resizing Solarization UpSampling1D UpSampling2D UpSampling3D "
        "ZeroPadding1D ZeroPadding2D ZeroPadding3D",
        ("layers",),
    ),
    Group(
        "Convolutions and pooling",
        "AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D AdaptiveMaxPooling1D "
        "AdaptiveMaxPooling2D AdaptiveMaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D "
        "AvgPool2D AvgPool3D Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D "
        "ConvLSTM2D ConvLSTM3D Convolution1D Convolution1DTranspose Convolution2D Convolution2DTranspose "
        "Convolution3D Convolution3DTranspose DepthwiseConv1D DepthwiseConv2D GlobalAveragePooling1D "
        "GlobalAveragePooling2D GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D "
        "GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
        "LocallyConnected1D LocallyConnected2D MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D "
        "MaxPooling3D SeparableConv1D SeparableConv2D SeparableConvolution1D SeparableConvolution2D",
        ("layers",),
    ),
    Group(
        "Recurrent layers other than LSTM, and wrappers of layers",
        "AbstractRNNCell Bidirectional GRU GRUCell RNN SimpleRNN SimpleRNNCell StackedRNNCells TimeDistributed Wrapper",
        ("layers",),
    ),
    Group(
        "Attention, embeddings, normalization, noise, other activations as layers",
        "ActivityRegularization AdditiveAttention AlphaDropout Attention BatchNormalization ELU EinsumDense "
        "Embedding GaussianDropout GaussianNoise GroupNormalization GroupQueryAttention Identity Lambda "
        "LayerNormalization MultiHeadAttention Normalization PReLU Permute RMSNormalization ReversibleEmbedding "
        "SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization ThresholdedReLU "
        "UnitNormalization",
        ("layers",),
    ),
    Group(
        "Tables, text and sound",
        "CategoryEncoding DenseFeatures Discretization HashedCrossing Hashing IntegerLookup MelSpectrogram "
        "STFTSpectrogram StringLookup TextVectorization",
        ("layers",),
    ),
    Group(
        "Layers of other libraries",
        "FlaxLayer JaxLayer TFSMLayer TorchModuleWrapper",
        ("layers",),
    ),
    Group(
        "Focal, segmentation, contrastive and sequence losses",
        "BinaryFocalCrossentropy CTC CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy Circle Dice "
        "Tversky binary_focal_crossentropy categorical_focal_crossentropy categorical_generalized_cross_entropy "
        "circle ctc dice tversky",
        ("losses", "metrics"),
    ),
    Group(
        "Metrics of confusion matrices, of segmentation, and correlations",
        "AUC BinaryIoU ConcordanceCorrelation F1Score FBetaScore FalseNegatives FalsePositives IoU MeanIoU "
        "MeanRelativeError MeanTensor OneHotIoU OneHotMeanIoU PearsonCorrelation Precision PrecisionAtRecall "
        "Recall RecallAtPrecision SensitivityAtSpecificity SpecificityAtSensitivity TrueNegatives TruePositives "
        "concordance_correlation pearson_correlation",
        ("metrics",),
    ),
    Group(
        "Optimizers other than SGD, RMSprop, Adam and AdamW",
        "Adadelta Adafactor Adagrad Adamax Ftrl Lamb Lion LossScaleOptimizer MultiOptimizer Muon Nadam "
        "OptimizerMap ScheduleFreeAdamW",
        ("optimizers",),
    ),
    Group(
        "Callbacks that write for other programs, keep a run to resume it, or swap weights for their averages",
        "BackupAndRestore OrbaxCheckpoint RemoteMonitor SidecarEvaluatorModelExport SwapEMAWeights TensorBoard",
        ("callbacks",),
    ),
    Group(
        "Initializers, regularizers, constraints and draws for layers that are not there",
        "OrthogonalRegularizer RadialConstraint STFT STFTInitializer beta binomial gamma orthogonal_regularizer "
        "radial_constraint stft",
        ("initializers", "regularizers", "constraints", "random"),
    ),
    Group(
        "Data sets from the network",
        "boston_housing california_housing cifar10 cifar100 fashion_mnist imdb mnist reuters",
        ("datasets",),
    ),
    Group(
        "Images, text, folders, and data sets of TensorFlow",
        "FeatureSpace TimeseriesGenerator array_to_img audio_dataset_from_directory bounding_boxes get_file image "
        "image_dataset_from_directory img_to_array load_img make_sampling_table save_img skipgrams split_dataset "
        "text text_dataset_from_directory timeseries_dataset_from_array to_ordinal warmstart_embedding_matrix",
        ("utils", "preprocessing", "preprocessing.sequence"),
    ),
    Group(
        "Threads, tuners and servers",
        "Config GeneratorEnqueuer OrderedEnqueuer SequenceEnqueuer SidecarEvaluator StepsPerExecutionTuner "
        "TimedThread get_source_inputs",
        ("utils",),
    ),
    Group(
        "Files that are edited by hand, and older forms of models' configs (`model_from_json` reads them)",
        "KerasFileEditor model_from_config model_from_yaml",
        ("saving", "models"),
    ),
    Group(
        "Switches of what refkeras has not: flash attention, NNX, backends, tracebacks that are cut, code in files",
        "disable_flash_attention disable_traceback_filtering enable_flash_attention enable_traceback_filtering "
        "enable_unsafe_deserialization is_flash_attention_enabled is_nnx_enabled is_traceback_filtering_enabled "
        "set_backend",
        ("config",),
    ),
    Group(
        "Operations on tensors, and the graphs of TensorFlow 1",
        "abs all any arange argmax argmin batch_dot batch_flatten batch_get_value batch_normalization "
        "batch_set_value bias_add binary_crossentropy binary_focal_crossentropy cast cast_to_floatx "
        "categorical_crossentropy categorical_focal_crossentropy clip concatenate constant conv1d conv2d "
        "conv2d_transpose conv3d cos count_params ctc_batch_cost ctc_decode ctc_label_dense_to_sparse cumprod "
        "cumsum depthwise_conv2d dot dropout dtype elu equal eval exp expand_dims eye flatten foldl foldr function "
        "gather gradients greater greater_equal hard_sigmoid in_test_phase in_top_k in_train_phase int_shape "
        "is_sparse l2_normalize learning_phase learning_phase_scope less less_equal local_conv1d local_conv2d log "
        "manual_variable_initialization map_fn max maximum mean min minimum moving_average_update name_scope ndim "
        "normalize_batch_in_training not_equal one_hot ones ones_like permute_dimensions placeholder pool2d pool3d "
        "pow print_tensor prod random_bernoulli random_binomial random_normal random_normal_variable "
        "random_uniform random_uniform_variable relu repeat repeat_elements reset_uids reshape resize_images "
        "resize_volumes result_type reverse rnn round separable_conv2d set_learning_phase shape sigmoid sign sin "
        "softmax softplus softsign sparse_categorical_crossentropy spatial_2d_padding spatial_3d_padding sqrt "
        "square squeeze stack std stop_gradient sum switch tanh temporal_padding tile to_dense transpose "
        "truncated_normal update update_add update_sub var variable zeros zeros_like",
        ("backend",),
    ),
    Group(
        "Quantization, distribution, export, and what traces a backend's programs",
        "FloatDTypePolicy Function Operation Quantizer RematScope StatelessScope SymbolicScope applications device "
        "distillation distribution dtensor dtype_policies estimator export mixed_precision name_scope protobuf "
        "quantizers remat visualization",
        ("keras",),
    ),
    Group(
        "Old and unfinished parts",
        "experimental legacy src",
        ("backend", "callbacks", "keras", "layers", "metrics", "models", "optimizers", "utils"),
    ),
]


def missing(engine: str) -> set[tuple[str, str]]:
    """Return `(module, name)` of what an engine's modules have, and refkeras's do not under its semantics."""
    with semantics.use(engine):
        found = set()
        for path in MODULES:
            theirs, ours = (_module(k, path) for k in (ENGINES[engine], refkeras))
            found |= {(path, name) for name in dir(theirs) if name[0] != "_" and not hasattr(ours, name)}
        return found


def _module(k: Any, path: str) -> Any:
    for part in path.split(".") if path != "keras" else ():
        k = getattr(k, part, None)
    return k
