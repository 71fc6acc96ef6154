# One image for every process: `paperwire up` runs all of them, docker-compose.yml runs web, worker and
# scheduler separately. The first stage builds the environment; the second contains only the result.

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements-build.lock requirements.lock ./
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN python -m venv --without-pip /venv \
    && pip --python /venv/bin/python install --require-hashes --no-deps \
        -r requirements-build.lock \
    && pip --python /venv/bin/python install --require-hashes --no-deps \
        --no-build-isolation --use-pep517 -r requirements.lock \
    && pip --python /venv/bin/python uninstall --yes setuptools

FROM python:3.13-slim
RUN pip uninstall --yes --root-user-action=ignore pip \
    && useradd --system --uid 10001 --no-create-home paperwire \
    && install --directory --owner=paperwire /data
COPY --from=build /venv /venv
COPY papers /app/papers
COPY workers /app/workers
COPY service /app/service
COPY paperwire /app/paperwire
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PAPERWIRE_HOST=0.0.0.0 \
    PAPERWIRE_DATA_DIR=/data
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-m", "paperwire", "health", "web"]
CMD ["python", "-m", "paperwire", "up"]
