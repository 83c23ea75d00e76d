"""The contract between Lockstep and a vendor: protocol, outcomes, errors, conformance suite."""
