"""Whether a tokenizer fits its model: every token has a row of the embedding, every answer an end."""

from typing import Any

from tokenunlearn.errors import ModelError
from tokenunlearn.text.encoding import encode
from tokenunlearn.text.turns import turns_of


def embedding_rows(causal: Any) -> int:
    """Return how many tokens the embedding has a row for, also where an adapter lies on it."""
    # what PEFT puts in its place has the weight, and not the count, of an Embedding
    return len(causal.get_input_embeddings().weight)


def check_vocabulary(causal: Any, tokenizer: Any, name: str) -> None:
    """Raise ModelError for a tokenizer without an end of turn, or one that the embedding is too short for.

    A tokenizer without an end of sequence takes the one that the model's generation_config names. Ends that
    are no token ids are refused too: they would break the first answer only.
    """
    ends = causal.generation_config.eos_token_id
    named = ends if isinstance(ends, list | tuple) else [ends]
    odd = next((each for each in named if each is not None and type(each) is not int), None)
    if odd is not None:
        raise ModelError(
            what=f"The generation_config.json of {name} names no end of an answer.",
            why=f"Its eos_token_id holds {odd!r:.60}, which is no token's number.",
            fix="Write whole numbers into eos_token_id, or delete the file.",
        )
    if tokenizer.eos_token is None and named and named[0] is not None:
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(named[0])
    turns = turns_of(tokenizer)
    rows = embedding_rows(causal)
    written = set(encode(tokenizer, "Who?", "Ada.").ids)
    # Special tokens that no conversation holds, such as a pad token added late, need no row.
    beyond = {
        token: index
        for token, index in tokenizer.get_vocab().items()
        if index >= rows and (index not in turns.special_ids or index in written)
    }
    if beyond:
        first = min(beyond, key=lambda token: beyond[token])
        raise ModelError(
            what=f"The tokenizer of {name} does not fit its weights.",
            why=f"It has {len(beyond):,} token{'s' * (len(beyond) > 1)} more than the {rows:,} rows of the "
            f"embedding; the first is {first!r}, number {beyond[first]:,}.",
            fix="Take the tokenizer that belongs to these weights, or resize the embeddings "
            "(resize_token_embeddings) and save the model again.",
        )
