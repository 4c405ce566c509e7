"""Tests that run in the simulator, in a process of their own: see test_simulator.py."""
