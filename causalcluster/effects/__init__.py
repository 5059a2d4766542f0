"""Effects as functions of coefficient draws; nothing here samples a model."""
