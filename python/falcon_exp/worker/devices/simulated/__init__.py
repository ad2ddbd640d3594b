"""A simulated accelerator for tests: tensors are on the CPU, and everything reported about cards is made up.

``FALCON_EXP_SIMULATED_ACCELERATOR`` names a JSON file of cards (``card_file``). Memory is counted tensor by tensor and
runs out with torch's own exception; the driver can be started too early, as by an import in a forkserver; a card can
vanish. Everything it reports is marked as simulated, in the environment and in every card.
"""
