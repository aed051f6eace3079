"""Writes torchvision's architectures, and some of torch's own layers, as ONNX:
export_networks.py FOLDER [NAME]...

The weights are random with a fixed seed, no two tensors alike, and statistics of batch
normalisation are such that values neither die nor grow over many layers: the times are those of
trained networks. What is there already is left as it is. Without names: every network.
"""
import os
import sys
import warnings

# Of torchvision.models; the side of the image.
NETWORKS = {
    "squeezenet1_1": 224, "mobilenet_v2": 224, "mobilenet_v3_small": 224,
    "shufflenet_v2_x1_0": 224, "mnasnet1_0": 224, "efficientnet_b0": 224, "regnet_y_400mf": 224,
    "resnet18": 224, "resnet50": 224, "googlenet": 224, "inception_v3": 299, "densenet121": 224,
    "vgg16": 224, "alexnet": 224, "convnext_tiny": 224, "vit_b_16": 224,
}
# Other classifiers, segmentation, detection, video, text and sound: what no kernel was measured for.
OTHERS = {
    "squeezenet1_0": 224, "mobilenet_v3_large": 224, "shufflenet_v2_x2_0": 224, "mnasnet0_5": 224,
    "efficientnet_b3": 300, "efficientnet_v2_s": 384, "regnet_x_400mf": 224,
    "regnet_y_1_6gf": 224, "resnext50_32x4d": 224, "wide_resnet50_2": 224, "densenet169": 224,
    "vgg11_bn": 224, "vit_b_32": 224, "swin_t": 224, "maxvit_t": 224,
    "segmentation.lraspp_mobilenet_v3_large": 320,
    "segmentation.deeplabv3_mobilenet_v3_large": 320, "segmentation.fcn_resnet50": 320,
    "detection.ssdlite320_mobilenet_v3_large": 320,
    "detection.fasterrcnn_mobilenet_v3_large_320_fpn": 320, "detection.retinanet_resnet50_fpn": 320,
    "video.r3d_18": 64, "video.r2plus1d_18": 64, "unet": 192, "transformer": 256, "recurrent": 40,
}
OPSET, NEW_OPSET = 13, 17  # 13 is the newest that OpenCV 4.6 reads; some need a newer one
SEED = 7


def unet():
    import torch
    from torch import nn

    def double(inputs, outputs):
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs),
                             nn.ReLU(), nn.Conv2d(outputs, outputs, 3, padding=1),
                             nn.InstanceNorm2d(outputs, affine=True), nn.LeakyReLU(0.1))

    class UNet(nn.Module):
        def __init__(self, c=24):
            super().__init__()
            widths = [3, c, 2 * c, 4 * c, 8 * c]
            self.down = nn.ModuleList(double(*pair) for pair in zip(widths, widths[1:]))
            self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[3:0:-1])
            self.join = nn.ModuleList(double(2 * w, w) for w in widths[3:0:-1])
            self.head = nn.Conv2d(c, 5, 1)

        def forward(self, x):
            kept = []
            for i, down in enumerate(self.down):
                x = down(nn.functional.max_pool2d(x, 2) if i else x)
                kept.append(x)
            for up, join, skip in zip(self.up, self.join, kept[-2::-1]):
                x = join(torch.cat([up(x), skip], 1))
            return self.head(x).softmax(1)

    return UNet()


def transformer():
    from torch import nn
    layer = nn.TransformerEncoderLayer(256, 8, 1024, batch_first=True, activation="gelu")
    return nn.TransformerEncoder(layer, 4)


def recurrent():
    from torch import nn

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(40, 128, 2, bidirectional=True, batch_first=True)
            self.gru = nn.GRU(256, 96, batch_first=True)
            self.head = nn.Linear(96, 30)

        def forward(self, x):
            return self.head(self.gru(self.lstm(x)[0])[0]).log_softmax(-1)

    return Recurrent()


OWN = {"unet": unet, "transformer": transformer, "recurrent": recurrent}


def construct(name):
    import torchvision

    if name in OWN:
        return OWN[name]()
    options = {"weights": None}
    if name.startswith(("segmentation.", "detection.")):
        options["weights_backbone"] = None
    if name in ("googlenet", "inception_v3"):
        options.update(aux_logits=False, init_weights=False)
    folder, _, short = name.rpartition(".")
    module = getattr(torchvision.models, folder) if folder else torchvision.models
    return getattr(module, short)(**options)


def build(name):
    import torch

    torch.manual_seed(SEED)
    network = construct(name).eval()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                part.running_mean.normal_(0, 0.2)
                part.running_var.uniform_(0.6, 1.4)
                part.weight.uniform_(0.7, 1.3)
                part.bias.normal_(0, 0.2)
            elif isinstance(part, torch.nn.LayerNorm):
                part.weight.uniform_(0.7, 1.3)
                part.bias.normal_(0, 0.2)
            elif getattr(part, "bias", None) is not None and torch.is_tensor(part.bias):
                part.bias.normal_(0, 0.1)
        for key, tensor in network.named_parameters():
            if key.endswith("layer_scale"):
                tensor.uniform_(0.05, 0.15)
            elif not tensor.any():  # a head that starts at zero would say nothing about answers
                tensor.normal_(0, 0.02)
    return network


def example(name, size):
    """What the network is called with."""
    import torch

    if name.startswith("detection."):
        return ([torch.rand(3, size, size)],)
    if name.startswith("video."):
        return torch.zeros(1, 3, 8, size, size)
    if name in ("transformer", "recurrent"):
        return torch.zeros(1, 100, size)
    return torch.zeros(1, 3, size, size)


def export(name, folder):
    import torch

    path = os.path.join(folder, name + ".onnx")
    if os.path.exists(path):
        return
    print("exporting %s" % name, flush=True)
    part = path + ".part"
    size = NETWORKS.get(name) or OTHERS[name]
    opset = NEW_OPSET if name in ("swin_t", "maxvit_t") else OPSET
    names = {} if name.startswith(("detection.", "segmentation.")) else {"output_names": ["scores"]}
    torch.onnx.export(build(name), example(name, size), part, opset_version=opset,
                      input_names=["data"], **names)
    os.rename(part, path)


def main():
    folder, names = sys.argv[1], sys.argv[2:] or list(NETWORKS) + list(OTHERS)
    warnings.filterwarnings("ignore")
    os.makedirs(folder, exist_ok=True)
    for name in names:
        export(name, folder)


if __name__ == "__main__":
    main()
