"""Writes torchvision's architectures as ONNX: export_networks.py FOLDER [NAME]...

The weights are random with a fixed seed, no two tensors alike, and statistics of batch
normalisation are such that values neither die nor grow over many layers: the times are those of
trained networks. What is there already is left as it is. Without names: every network.
"""
import os
import sys
import warnings

NETWORKS = {
    "squeezenet1_1": 224, "mobilenet_v2": 224, "mobilenet_v3_small": 224,
    "shufflenet_v2_x1_0": 224, "mnasnet1_0": 224, "efficientnet_b0": 224, "regnet_y_400mf": 224,
    "resnet18": 224, "resnet50": 224, "googlenet": 224, "inception_v3": 299, "densenet121": 224,
    "vgg16": 224, "alexnet": 224, "convnext_tiny": 224, "vit_b_16": 224,
}
OPSET = 13  # the newest that OpenCV 4.6 reads
SEED = 7


def build(name):
    import torch
    import torchvision

    torch.manual_seed(SEED)
    options = {"weights": None}
    if name in ("googlenet", "inception_v3"):
        options.update(aux_logits=False, init_weights=False)
    network = getattr(torchvision.models, name)(**options).eval()
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


def export(name, folder):
    import torch

    size = NETWORKS[name]
    path = os.path.join(folder, name + ".onnx")
    if os.path.exists(path):
        return
    print("exporting %s" % name, flush=True)
    part = path + ".part"
    torch.onnx.export(build(name), torch.zeros(1, 3, size, size), part, opset_version=OPSET,
                      input_names=["data"], output_names=["scores"])
    os.rename(part, path)


def main():
    folder, names = sys.argv[1], sys.argv[2:] or list(NETWORKS)
    warnings.filterwarnings("ignore")
    os.makedirs(folder, exist_ok=True)
    for name in names:
        export(name, folder)


if __name__ == "__main__":
    main()
