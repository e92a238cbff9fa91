"""Well-known endpoints: what a form fills in, and where servers on this machine listen."""

from __future__ import annotations

from dataclasses import dataclass

from localchat.records import Kind, is_local


@dataclass(frozen=True, slots=True)
class Template:
    """``name`` is for people, ``slug`` a name for the provider; ``key_env`` the usual variable of its key, or None."""

    name: str
    slug: str
    kind: Kind
    base_url: str
    key_env: str | None = None

    @property
    def local(self) -> bool:
        return is_local(self.kind, self.base_url)


TEMPLATES: tuple[Template, ...] = (
    Template("Ollama", "ollama", "openai", "http://localhost:11434/v1"),
    Template("LM Studio", "lmstudio", "openai", "http://localhost:1234/v1"),
    Template("llama.cpp", "llamacpp", "openai", "http://localhost:8080/v1"),
    Template("vLLM", "vllm", "openai", "http://localhost:8000/v1"),
    Template("OpenAI", "openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY"),
    Template("Anthropic", "anthropic", "anthropic", "https://api.anthropic.com", "ANTHROPIC_API_KEY"),
    Template("Google Gemini", "google", "google", "https://generativelanguage.googleapis.com", "GEMINI_API_KEY"),
    Template("OpenRouter", "openrouter", "openai", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    Template("Groq", "groq", "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    Template("Mistral", "mistral", "openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    Template("DeepSeek", "deepseek", "openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    Template("xAI", "xai", "openai", "https://api.x.ai/v1", "XAI_API_KEY"),
    Template("Together", "together", "openai", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    Template("Fireworks", "fireworks", "openai", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    Template("Cerebras", "cerebras", "openai", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    Template("Hugging Face", "huggingface", "openai", "https://router.huggingface.co/v1", "HF_TOKEN"),
)

LOCAL: tuple[Template, ...] = tuple(template for template in TEMPLATES if template.local)
