"""Everything that depends on a device: its memory, clocks, energy and neighbours, and timing on it.

No other folder asks a framework or a driver about a device. ``Devices`` knows all devices that this process may use,
``ModelDevices`` those of one loaded model. Each kind has its own file: cuda, xpu, mps, and a simulated accelerator for
tests.
"""
