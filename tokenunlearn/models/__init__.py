"""Models that can be asked: everything that turns a name or a folder into a `LanguageModel`.

The package itself imports no library, so that `--help` and the first paint stay free of torch.
"""

import warnings

# PEFT asks for a flag by its old name: nothing that a person who sees it could mend.
warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
