"""Other libraries on the inputs of ``bench_labels``, each run by the interpreter of an environment of its own."""
