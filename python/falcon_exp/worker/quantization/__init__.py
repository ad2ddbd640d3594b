"""The quantization methods, one file each; everything else asks ``registry`` and never switches on a method's name."""
