# One image for the web app, the workers and beat: compose.yaml says which of them a container is.
FROM python:3.11-slim-bookworm AS libraries
ENV UV_PROJECT_ENVIRONMENT=/opt/venv UV_LINK_MODE=copy PYTHONDONTWRITEBYTECODE=1
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.8
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-cache

FROM python:3.11-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/flowbuilder
# Numbers, so that a cluster that demands "not root" can tell; a folder that the process may write.
RUN groupadd --gid 10001 app && useradd --uid 10001 --gid app --no-create-home --shell /usr/sbin/nologin app \
    && install -d -o app -g app /var/lib/flowbuilder
COPY --from=libraries /opt/venv /opt/venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY accounts ./accounts
COPY flowbuilder ./flowbuilder
COPY templates ./templates
COPY static ./static
# As in production, so that files are hashed and compressed; these secrets are in no layer and sign nothing.
RUN SITE_URL=https://build.invalid SECRET_KEY=only-to-collect-static-files \
    TOKEN_KEYS=b25seS10by1jb2xsZWN0LXN0YXRpYy1maWxlcy0zMmI= \
    python manage.py collectstatic --noinput -v0 && chown -R app:app /var/lib/flowbuilder
USER 10001:10001
EXPOSE 8000
CMD ["gunicorn", "flowbuilder.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--threads=8"]
