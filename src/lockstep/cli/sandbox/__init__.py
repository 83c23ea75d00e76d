"""`lockstep sandbox`: a whole Lockstep with emulated locks and known ids, to test programs against."""
