# Two images. `airflow`: what a worker needs for a real migration. `rehearsal`: lab and Airflow in one container.
ARG AIRFLOW_IMAGE_NAME=apache/airflow:3.3.2-python3.12
ARG TERRAFORM_IMAGE_NAME=hashicorp/terraform:1.11.4
ARG PYTHON_IMAGE_NAME=python:3.12-slim-bookworm

FROM ${TERRAFORM_IMAGE_NAME} AS terraform

FROM ${PYTHON_IMAGE_NAME} AS rehearsal
RUN apt-get update \
 && apt-get install -y --no-install-recommends curl make procps iproute2 \
 && rm -rf /var/lib/apt/lists/*
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
WORKDIR /livemove
ENV LIVEMOVE_VENV=/opt/livemove-venv
# what setup reads, before the sources: an edited source does not install everything again
COPY requirements.txt requirements-dev.txt ./
COPY scripts/ scripts/
RUN scripts/bootstrap && rm -rf /var/lib/apt/lists/* "$HOME/.cache"
COPY . .
# a provider mirror may be mounted at /opt/terraform-providers
CMD ["make", "rehearse"]

FROM ${AIRFLOW_IMAGE_NAME} AS airflow
USER root
# mysqlclient has no wheel, so it is compiled; mariadb-dump makes the final dump
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev libmariadb-dev mariadb-client pkg-config \
 && rm -rf /var/lib/apt/lists/*
COPY --from=terraform /bin/terraform /usr/local/bin/terraform
USER airflow
# named volumes take their owner from these folders
RUN mkdir -p /opt/airflow/secrets /opt/airflow/terraform-cache && chmod 750 /opt/airflow/secrets
COPY requirements.txt /opt/airflow/requirements.txt
RUN pip install --no-cache-dir -r /opt/airflow/requirements.txt
COPY --chown=airflow:0 dags/ /opt/airflow/dags/
COPY --chown=airflow:0 plugins/ /opt/airflow/plugins/
COPY --chown=airflow:0 include/ /opt/airflow/include/
