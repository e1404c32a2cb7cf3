# One image, every process: `docker run ml-connector:0.1.0 work match`.
FROM python:3.13-slim AS build
WORKDIR /src
COPY locks/run.lock pyproject.toml README.md ./
RUN python -m venv /opt/ml-connector && /opt/ml-connector/bin/pip install --no-cache-dir --require-hashes -r run.lock
COPY schemas schemas
COPY streams streams
COPY adapters adapters
COPY console console
COPY sandbox sandbox
RUN /opt/ml-connector/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /var/lib/ml-connector --create-home ml-connector
COPY --from=build /opt/ml-connector /opt/ml-connector
USER ml-connector
# A volume that processes share takes its owner from here.
RUN mkdir /var/lib/ml-connector/budgets
ENV PATH=/opt/ml-connector/bin:$PATH PYTHONDONTWRITEBYTECODE=1
ENTRYPOINT ["ml-connector"]
