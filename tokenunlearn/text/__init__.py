"""Words to tensors: chat rendering, spans, masking, batching. Pure; no model runs here."""
