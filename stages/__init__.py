"""All code of the study, one room a stage; see README.md for the graph."""

import os

# torch's matrix products (MKL) otherwise round differently with the number of threads and of rows, so that an answer
# would depend on the machine's cores and on the size of its batch. MKL reads this at its first product. It costs
# nothing (sentence embeddings: within 4 %), because AUTO leaves MKL the newest instructions that the processor has;
# whoever sets the variable has it as they set it.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
