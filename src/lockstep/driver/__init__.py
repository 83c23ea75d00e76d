"""The contract between Lockstep and a vendor: protocol, outcomes, errors, the conformance suite."""
