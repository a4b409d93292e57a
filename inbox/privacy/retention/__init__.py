"""How long what was said is kept, by channel; old entries keep their place and lose their words."""
